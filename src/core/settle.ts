/**
 * As `Promise.all`, but waits for every one before it throws the first failure: nothing goes on in the background, such
 * as a build that writes into a folder that is being removed.
 */
export async function settleAll<T>(promises: readonly Promise<T>[]): Promise<T[]> {
  const results = await Promise.allSettled(promises);
  return results.map((result) => {
    if (result.status === 'rejected') throw result.reason;
    return result.value;
  });
}
