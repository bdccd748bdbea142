/** How many training images teaching reminds a network of, and is then measured on. */
export { heldOutImages, reminderPool } from '../../../pkg/certify/certify.js';
