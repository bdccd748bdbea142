/** A baseline network under attack, in a Worker. */
import init, { BaselineNetwork } from '../../../pkg/baseline/baseline.js';
import { CPU, type Engine, type Supply } from '../workers/attack-protocol.ts';

export async function openBaselineEngine({ model, scale, program }: Supply): Promise<Engine> {
  await init({ module_or_path: program });
  const network = new BaselineNetwork(model, scale);
  return {
    inspect(image, epsilonLevels) {
      const { label, logits, ibpRadiusLevels } = network.certify(image);
      const { lower, upper, certified } = network.bounds(image, epsilonLevels);
      return {
        label,
        logits,
        ibpRadiusLevels: ibpRadiusLevels ?? 0,
        lipschitzRadiusLevels: null,
        lower,
        upper,
        certified,
      };
    },
    paint: (image, painted, epsilonLevels) =>
      network.paint(image, Float32Array.from(painted), epsilonLevels, 'levels'),
    start: ({ image, attack, epsilonLevels, seed }) =>
      network.start(image, { attack, epsilonLevels, grid: 'levels', seed }),
    advance: (queries) => ({ progress: network.advance(queries), processor: CPU }),
  };
}
