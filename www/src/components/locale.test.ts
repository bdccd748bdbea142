import { afterEach, beforeEach, expect, test, vi } from 'vitest';

beforeEach(() => vi.resetModules());
afterEach(() => vi.unstubAllGlobals());

/** The language that libraries find in a browser that names this one. */
async function found(language: string): Promise<string> {
  // The name is the prototype's, as in a browser.
  const browser = Object.create({
    get language() {
      return language;
    },
  }) as { language: string };
  vi.stubGlobal('navigator', browser);
  await import('./locale.ts');
  return browser.language;
}

test('a language that number formats refuse is replaced', async () => {
  for (const name of ['C', 'c', '']) {
    vi.resetModules();
    expect(await found(name)).toBe('en');
  }
});

test('any other language stays', async () => {
  expect(await found('de-CH')).toBe('de-CH');
});
