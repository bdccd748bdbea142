import { expect, test } from 'vitest';
import { NORMS } from '../views/learn/neuron.ts';
import { FIRST, formatLesson, parseLesson, type Lesson } from './lesson.ts';

test('a lesson comes back from a link, and what makes no sense is refused', () => {
  expect(formatLesson(FIRST)).toBe('');
  for (const p of NORMS) {
    const lesson: Lesson = { seed: 2 ** 32 - 1, image: [0, 255], p, shown: 'theirs' };
    expect(parseLesson(formatLesson(lesson))).toEqual(lesson);
  }
  for (const text of [
    ...['', '1~2', '1~2~3~8', '1~2~3~8~ours~4', '-1~0~0~8~ours', '1~256~0~8~ours'],
    ...['1~0~256~8~ours', '4294967296~0~0~8~ours', '1~0~0~9~ours', '1~0~0~8~his'],
  ]) {
    expect(parseLesson(text)).toBeUndefined();
  }
});
