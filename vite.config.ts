import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vite';
import { models } from './www/build/models.ts';
import { offline } from './www/build/offline.ts';
import { contentSecurityPolicy } from './www/build/policy.ts';
import { programs } from './www/build/programs.ts';
import { testDigits } from './www/build/test-digits.ts';
import { trainingData } from './www/build/training-data.ts';

export default defineConfig({
  // Relative addresses: the built page works under any path of any host.
  base: './',
  publicDir: 'www/public',
  plugins: [
    svelte(),
    models(),
    testDigits(),
    programs(),
    trainingData(),
    contentSecurityPolicy(),
    offline(),
  ],
  build: {
    // The browsers that index.html names.
    target: ['chrome111', 'edge111', 'firefox114', 'safari16.4'],
    // The WebAssembly module stays a file of its own, compiled while it streams in.
    assetsInlineLimit: 0,
    // The preload helper is for browsers older than those that run the WebAssembly module.
    modulePreload: { polyfill: false },
  },
  // Workers import the modules that the page imports.
  worker: { format: 'es' },
  server: { watch: { ignored: ['**/target/**', '**/data/**', '**/src/**/*.rs'] } },
  preview: { port: 4173, strictPort: true },
});
