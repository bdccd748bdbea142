/** Starts the Worker that teaches. */
export const startTeachWorker = () =>
  new Worker(new URL('./teach.worker.ts', import.meta.url), { type: 'module' });
