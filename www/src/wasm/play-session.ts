/** The game of *Play*, in its Worker. */
import init, { PlaySession } from '../../../pkg/train/train.js';

export { PlaySession };

export const startProgram = (program: WebAssembly.Module) => init({ module_or_path: program });
