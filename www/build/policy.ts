/**
 * Adds a content security policy to the built page: everything comes from the page's own host,
 * and WebAssembly is the only thing compiled at run time. The one script within the page, which says
 * why the others do not come, is named by its digest. The development server injects styles and
 * scripts of its own, so the policy is for the build alone.
 */
import { createHash } from 'node:crypto';
import type { Plugin } from 'vite';

const policy = (inline: readonly string[]) =>
  [
    "default-src 'none'",
    ["script-src 'self' 'wasm-unsafe-eval'", ...inline].join(' '),
    "style-src 'self'",
    "img-src 'self' data:",
    "connect-src 'self'",
    "worker-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
  ].join('; ');

export function contentSecurityPolicy(): Plugin {
  return {
    name: 'content-security-policy',
    apply: 'build',
    transformIndexHtml: {
      // As it is written to the file.
      order: 'post',
      handler(html) {
        const inline = [...html.matchAll(/<script>(.*?)<\/script>/gs)].map(([, script = '']) => {
          return `'sha256-${createHash('sha256').update(script).digest('base64')}'`;
        });
        const attrs = { 'http-equiv': 'Content-Security-Policy', content: policy(inline) };
        return [{ tag: 'meta', attrs, injectTo: 'head-prepend' }];
      },
    },
  };
}
