import { readFileSync } from 'node:fs';
import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vite';
import { attacks } from './www/build/attacks.ts';
import { imageShards } from './www/build/image-shards.ts';
import { models } from './www/build/models.ts';
import { modules } from './www/build/modules.ts';
import { offline } from './www/build/offline.ts';
import { contentSecurityPolicy } from './www/build/policy.ts';
import { previews } from './www/build/previews.ts';
import { testImages } from './www/build/test-images.ts';

const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };

export default defineConfig({
  // Relative addresses: the built page works under any path of any host.
  base: './',
  publicDir: 'www/public',
  define: {
    PAGE_VERSION: JSON.stringify(version),
    // Only whoever publishes the page knows where its source lies.
    SOURCE_URL: JSON.stringify(process.env.LINF_SOURCE_URL ?? ''),
  },
  plugins: [
    svelte(),
    modules(),
    attacks(),
    models(),
    testImages(),
    imageShards(),
    contentSecurityPolicy(),
    previews(),
    offline(),
  ],
  build: {
    // The browsers that index.html names.
    target: ['chrome111', 'edge111', 'firefox114', 'safari16.4'],
    // The WebAssembly module stays a file of its own, compiled while it streams in.
    assetsInlineLimit: 0,
    // The preload helper is for browsers older than those that run the WebAssembly module.
    modulePreload: { polyfill: false },
    rolldownOptions: {
      // All that the first view needs is one program; what other views share with it comes from there.
      output: { codeSplitting: { groups: [{ name: 'first', tags: ['$initial'] }] } },
    },
  },
  // Workers import the modules that the page imports.
  worker: { format: 'es', plugins: () => [modules()] },
  server: { watch: { ignored: ['**/target/**', '**/data/**', '**/src/**/*.rs'] } },
  preview: { port: 4173, strictPort: true },
});
