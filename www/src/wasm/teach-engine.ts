/** Teaching, in a Worker. */
import init, { Teacher } from '../../../pkg/teach/teach.js';
import type { Request } from '../workers/teach-protocol.ts';

export type { Teacher };

export async function openTeacher(request: Request): Promise<Teacher> {
  await init({ module_or_path: request.program });
  const { model, images, labels, before, beforeLabels, seed } = request;
  return new Teacher(model, images, labels, before, beforeLabels, seed);
}
