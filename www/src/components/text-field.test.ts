import { expect, test } from 'vitest';
import { isTextField } from './text-field.ts';

const element = (one: object) => one as EventTarget;

test('an input for text or a number is one, as is what can be edited; a slider or a button is none', () => {
  for (const type of ['text', 'number', 'search']) {
    expect(isTextField(element({ tagName: 'INPUT', type }))).toBe(true);
  }
  expect(isTextField(element({ tagName: 'TEXTAREA', type: 'textarea' }))).toBe(true);
  expect(isTextField(element({ tagName: 'P', isContentEditable: true }))).toBe(true);
  for (const type of ['range', 'checkbox', 'file', 'button']) {
    expect(isTextField(element({ tagName: 'INPUT', type }))).toBe(false);
  }
  expect(isTextField(element({ tagName: 'BUTTON', type: 'submit' }))).toBe(false);
  expect(isTextField(element({ tagName: 'BODY', isContentEditable: false }))).toBe(false);
  expect(isTextField(null)).toBe(false);
});
