/** The ℓ∞-dist net under attack, in a Worker. */
import init, { Attacker, Certifier } from '../../../pkg/certify/certify.js';
import { CPU, type Engine, type Order, type Supply } from '../workers/attack-protocol.ts';
import { message } from '../assets/download.ts';
import { GpuEngine } from './gpu-engine.ts';

export async function openCertifyEngine({ model, program }: Supply): Promise<Engine> {
  await init({ module_or_path: program });
  const [certifier, attacker] = [new Certifier(model), new Attacker(model)];
  const gpu = new GpuEngine(model);
  let onGpu = false;
  /** Why the CPU makes the attack instead of the GPU. */
  let trouble: string | null = null;

  function startOnCpu({ image, attack, epsilonLevels, seed }: Order) {
    onGpu = false;
    attacker.start(image, { attack, epsilonLevels, grid: 'levels', seed });
  }

  return {
    inspect(image, epsilonLevels) {
      const { label, logits, ibpRadiusLevels, lipschitzRadiusLevels } = certifier.certify(image);
      const { lower, upper, certified } = certifier.bounds(image, epsilonLevels);
      return { label, logits, ibpRadiusLevels, lipschitzRadiusLevels, lower, upper, certified };
    },
    paint: (image, painted, epsilonLevels) =>
      attacker.paint(image, Float32Array.from(painted), epsilonLevels, 'levels'),
    start(order, program) {
      trouble = null;
      onGpu = program !== null;
      if (program) gpu.start(order, program);
      else startOnCpu(order);
    },
    advance(queries) {
      const onCpu = () => ({
        progress: attacker.advance(queries),
        processor: { ...CPU, trouble },
      });
      if (!onGpu) return onCpu();
      // Where the GPU does not even begin, the CPU does.
      return gpu.advance().catch((cause: unknown) => {
        trouble = `${message(cause)}; the CPU makes the attack`;
        startOnCpu(gpu.order);
        return onCpu();
      });
    },
  };
}
