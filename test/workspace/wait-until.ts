/**
 * Resolves with the result of `find`, called now and after each change, without polling. @throws Error
 * after `timeoutMs`.
 */
export function waitUntil<T>(
  find: () => T | undefined | null | false,
  onChange: (listener: () => void) => () => void,
  timeoutMs: number,
): Promise<T> {
  return new Promise((resolve, reject) => {
    let stop = () => {};
    const finish = (end: () => void) => {
      clearTimeout(timer);
      stop();
      end();
    };
    const check = () => {
      try {
        const found = find();
        if (found) finish(() => resolve(found));
      } catch (error) {
        finish(() => reject(error));
      }
    };
    const timer = setTimeout(() => {
      finish(() => reject(new Error(`not found within ${timeoutMs} ms: ${find.toString()}`)));
    }, timeoutMs);
    stop = onChange(check);
    check();
  });
}
