import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vitest/config';
import { attacks } from './www/build/attacks.ts';

/** The tests that need no browser, beside the code that they test. */
export default defineConfig({
  plugins: [svelte(), attacks()],
  // Stores are compiled as for the page; nothing is rendered.
  resolve: { conditions: ['browser'] },
  test: { include: ['www/src/**/*.test.ts'], environment: 'node' },
});
