/** The address of the page: written when the state has rested, followed when somebody changes it. */
import { linkTo, writeLink, type View } from '../codec/link.ts';
import type { AppState } from './app.svelte.ts';

/** A link is written when the pen has rested for so long. */
const REST_MS = 500;

/** What follows a link to a view, with a step of its own in the browser's history. */
export type Go = (event: MouseEvent, view: View) => Promise<void>;

export class Address {
  /** The fragment, as it was last read or written. */
  fragment = $state(location.hash.slice(1));
  readonly #app: AppState;

  constructor(app: AppState) {
    this.#app = app;
  }

  /** Writes the present state once it has rested. The answer calls that off. */
  writeAtRest(): () => void {
    const { link } = this.#app;
    const write = async () => {
      const before = this.fragment;
      const fragment = await writeLink(link);
      // What has been read or written meanwhile is newer.
      if (this.fragment === before) this.#replace(fragment);
    };
    const timer = setTimeout(() => void write(), REST_MS);
    return () => clearTimeout(timer);
  }

  /** Takes the state of an address that somebody has put there. */
  follow = () => {
    this.fragment = location.hash.slice(1);
    void this.#app.open(this.fragment);
  };

  /** Changes the view, with a step of its own in the browser's history. */
  go: Go = async (event, view) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    const app = this.#app;
    if (view === app.view) return;
    // The step back is to lead to what is drawn now, not to what was half a second ago.
    if (!this.#replace(await writeLink(app.link))) return;
    app.view = view;
    this.fragment = linkTo(view, this.fragment);
    history.pushState(null, '', this.#of(this.fragment));
    scrollTo(0, 0);
  };

  /** Whether the fragment is the address's now: what someone else has just put there is followed. */
  #replace(fragment: string): boolean {
    if (location.hash.slice(1) !== this.fragment) return false;
    if (fragment !== this.fragment) history.replaceState(null, '', this.#of(fragment));
    this.fragment = location.hash.slice(1);
    return true;
  }

  #of(fragment: string): string {
    return fragment ? `#${fragment}` : location.pathname + location.search;
  }
}
