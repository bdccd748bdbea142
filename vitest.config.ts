import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vitest/config';

/** The tests that need no browser, beside the code that they test. */
export default defineConfig({
  plugins: [svelte()],
  // Stores are compiled as for the page; nothing is rendered.
  resolve: { conditions: ['browser'] },
  test: { include: ['www/src/**/*.test.ts'], environment: 'node' },
});
