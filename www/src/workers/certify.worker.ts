/** The Worker in which the ℓ∞-dist net is attacked. */
import { openCertifyEngine } from '../wasm/certify-engine.ts';
import { serve } from './attack-loop.ts';

serve(openCertifyEngine);
