/** What a visitor types into. */

/** Inputs into which nothing is typed. */
const OTHERS = [
  'button',
  'checkbox',
  'color',
  'file',
  'image',
  'radio',
  'range',
  'reset',
  'submit',
];

/** Whether keys typed at this element change a text, which has an undo of its own. */
export function isTextField(target: EventTarget | null): boolean {
  const { tagName, type, isContentEditable } = (target ?? {}) as Partial<
    HTMLInputElement & HTMLElement
  >;
  if (isContentEditable || tagName === 'TEXTAREA') return true;
  return tagName === 'INPUT' && !OTHERS.includes(type ?? '');
}
