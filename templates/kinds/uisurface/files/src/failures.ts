/** A part of the scaffold is not implemented yet. */
export class NotImplementedError extends Error {
  override readonly name = 'NotImplementedError';
}
