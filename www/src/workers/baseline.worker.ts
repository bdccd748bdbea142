/** The Worker of an ordinary network. */
import init, { OrdinaryNetwork } from '../../../pkg/ordinary/ordinary.js';
import { serve } from './attack-loop.ts';

serve(async ({ model, scale, program }) => {
  await init({ module_or_path: program });
  const network = new OrdinaryNetwork(model, scale);
  return {
    inspect(image, epsilonLevels) {
      const { label, logits, radiusLevels } = network.certify(image);
      const { lower, upper, certified } = network.bounds(image, epsilonLevels);
      return {
        label,
        logits,
        radiusLevels: radiusLevels ?? 0,
        marginRadiusLevels: null,
        lower,
        upper,
        certified,
      };
    },
    paint: (image, painted, epsilonLevels) =>
      network.paint(image, Float32Array.from(painted), epsilonLevels, 'levels'),
    start: ({ image, attack, epsilonLevels, seed }) =>
      network.start(image, { attack, epsilonLevels, grid: 'levels', seed }),
    advance: (tries) => network.advance(tries),
  };
});
