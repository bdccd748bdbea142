/** Teaching, in a Worker. */
import init, { Teacher } from '../../../pkg/teach/teach.js';
import type { Lesson } from '../workers/teach-protocol.ts';

export type { Teacher };

export async function openTeacher(lesson: Lesson): Promise<Teacher> {
  await init({ module_or_path: lesson.program });
  const { model, images, labels, before, beforeLabels, seed } = lesson;
  return new Teacher(model, images, labels, before, beforeLabels, seed);
}
