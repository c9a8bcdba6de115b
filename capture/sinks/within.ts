/** Waiting that has an end. */

/** Whether `promise`, which must not reject, is over within that time. */
export async function within(promise: Promise<void>, milliseconds: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), milliseconds);
  });
  const over = await Promise.race([promise.then(() => true), late]);
  clearTimeout(timer);
  return over;
}
