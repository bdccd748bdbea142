/** Lets the page open without a network after one visit; see `sw.ts`. */

/** The page is busy with its first answer for so long. */
const PATIENCE_MS = 2_000;

async function register() {
  await navigator.serviceWorker.register(new URL('sw.js', document.baseURI));
  const { active } = await navigator.serviceWorker.ready;
  if (!active) return;
  // All that was fetched so far, and whatever the page fetches until the worker is in charge.
  new PerformanceObserver((list) => {
    active.postMessage(list.getEntries().map(({ name }) => name));
  }).observe({ type: 'resource', buffered: true });
}

/** Does nothing where the browser has no service workers, or the page did not come by HTTPS. */
export function keepForLater() {
  if (!('serviceWorker' in navigator)) return;
  addEventListener('load', () => {
    setTimeout(() => {
      register().catch((cause: unknown) => console.warn('This page is not kept:', cause));
    }, PATIENCE_MS);
  });
}
