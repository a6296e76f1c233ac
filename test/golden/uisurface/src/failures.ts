/** What was asked for is part of this surface, but not written yet. */
export class NotImplementedError extends Error {
  override readonly name = 'NotImplementedError';
}
