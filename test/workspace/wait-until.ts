/** Looks now and after each change; no polling. @throws Error after `timeoutMs`. */
export function waitUntil<T>(
  look: () => T | undefined | null | false,
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
        const seen = look();
        if (seen) finish(() => resolve(seen));
      } catch (error) {
        finish(() => reject(error));
      }
    };
    const timer = setTimeout(() => {
      finish(() => reject(new Error(`not seen within ${timeoutMs} ms: ${look.toString()}`)));
    }, timeoutMs);
    stop = onChange(check);
    check();
  });
}
