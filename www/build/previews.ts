/**
 * Gives the built page what a link to it is previewed with: its title, its description and a
 * picture, which is the one of the README.
 *
 * The address of a preview's picture has to be absolute, and only whoever publishes the page knows
 * it: `LINF_PAGE_URL`. Without it the picture's address is relative, which some readers accept.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { HtmlTagDescriptor, Plugin, ResolvedConfig } from 'vite';

const PICTURE = 'preview.png';

/** The text that `pattern` captures in the page. */
function textOf(html: string, pattern: RegExp): string {
  const text = pattern.exec(html)?.[1];
  if (!text) throw new Error(`index.html has nothing that matches ${pattern}`);
  return text;
}

export function previews(): Plugin {
  let config: ResolvedConfig;
  return {
    name: 'previews',
    apply: 'build',
    configResolved(resolved) {
      config = resolved;
    },
    generateBundle() {
      const source = readFileSync(join(config.root, 'docs/screenshot.png'));
      this.emitFile({ type: 'asset', fileName: PICTURE, source });
    },
    transformIndexHtml(html) {
      const base = process.env.LINF_PAGE_URL?.replace(/\/?$/, '/') ?? './';
      const properties = {
        'og:type': 'website',
        'og:title': textOf(html, /<title>(.*?)<\/title>/s),
        'og:description': textOf(html, /name="description"\s+content="(.*?)"/s),
        'og:image': base + PICTURE,
        'og:image:alt': 'A drawn seven, its label, and the radius within which it is proved',
        ...(process.env.LINF_PAGE_URL ? { 'og:url': base } : {}),
      };
      const tags = Object.entries(properties).map(([property, content]): HtmlTagDescriptor => ({
        tag: 'meta',
        attrs: { property, content },
      }));
      const card = { tag: 'meta', attrs: { name: 'twitter:card', content: 'summary_large_image' } };
      return [...tags, card];
    },
  };
}
