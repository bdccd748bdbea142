/** The GPU that this browser offers, asked for without the program that uses it. */

export interface Adapter {
  /** Whether it is a program and no hardware: slower than the CPU, and never taken unasked. */
  software: boolean;
}

/** What is used of the browser's WebGPU here. */
interface BrowserGpu {
  requestAdapter(): Promise<{
    info?: Partial<Record<'vendor' | 'architecture' | 'description', string>> & {
      isFallbackAdapter?: boolean;
    };
  } | null>;
}

/** Programs that stand in for a GPU. Not every browser admits that it fell back to one. */
const PROGRAMS = /swiftshader|llvmpipe|basic render/i;

const gpu = () => (navigator as Navigator & { gpu?: BrowserGpu }).gpu;

/** Whether this browser knows WebGPU at all. */
export const knowsGpu = () => gpu() !== undefined;

/** The adapter; `null` where there is none. */
export async function findAdapter(): Promise<Adapter | null> {
  try {
    const adapter = await gpu()?.requestAdapter();
    if (!adapter) return null;
    const { info } = adapter;
    const words = [info?.vendor, info?.architecture, info?.description].join(' ');
    return { software: info?.isFallbackAdapter === true || PROGRAMS.test(words) };
  } catch {
    return null;
  }
}
