/** Where the keyboard goes when the control that was pressed is no longer there. */
import { tick } from 'svelte';

/** Moves the focus to what `find` finds once the page shows what has just changed. */
export async function focusNext(find: () => HTMLElement | null | undefined) {
  await tick();
  find()?.focus();
}
