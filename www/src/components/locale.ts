/**
 * Names a language that this browser knows, for libraries that ask for one as they are imported.
 *
 * Where the system's locale is "C", WebKit calls its language "c", which its own number formats
 * refuse with an exception. Import this file before such a library.
 */
function isKnown(language: string): boolean {
  try {
    new Intl.NumberFormat(language);
    return true;
  } catch {
    return false;
  }
}

if (!isKnown(navigator.language)) {
  Object.defineProperty(navigator, 'language', { value: 'en', configurable: true });
}

export {};
