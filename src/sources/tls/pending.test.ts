import { expect, test } from 'vitest';
import { makePending } from './pending.ts';

function start() {
  const pending = makePending<string>();
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const stopped: unknown[] = [];
  let ended = 0;
  const work = (signal: AbortSignal) => {
    signal.addEventListener('abort', () => stopped.push(signal.reason));
    return promise;
  };
  const probing = pending.start('10.0.0.7 443', 'a', work, () => (ended += 1));
  return { pending, probing, resolve, reject, stopped, ended: () => ended };
}

test('all callers get one result, which is not cached', async () => {
  const { pending, probing, resolve, ended } = start();
  const { signal } = new AbortController();
  const joined = [probing.join(signal), pending.find('10.0.0.7 443', 'a')!.join(signal)];
  expect([...pending.namesAt('10.0.0.7 443')]).toEqual(['a']);

  resolve('here');

  expect(await Promise.all(joined)).toEqual(['here', 'here']);
  expect(pending.find('10.0.0.7 443', 'a')).toBeUndefined();
  expect([...pending.namesAt('10.0.0.7 443')]).toEqual([]);
  expect(ended()).toBe(1);
});

test('a caller that aborts does not end the work for the others', async () => {
  const { probing, resolve, stopped } = start();
  const leaving = new AbortController();
  const left = probing.join(leaving.signal);
  const staying = probing.join(new AbortController().signal);

  leaving.abort(new Error('enough'));

  await expect(left).rejects.toThrow('enough');
  expect(stopped).toEqual([]);
  resolve('here');
  expect(await staying).toBe('here');
});

test('when the last caller aborts, the work ends and can no longer be joined', async () => {
  const { pending, probing, stopped, ended } = start();
  const leaving = new AbortController();
  const left = probing.join(leaving.signal);

  leaving.abort(new Error('enough'));

  await expect(left).rejects.toThrow('enough');
  expect(stopped).toHaveLength(1);
  expect(ended()).toBe(1);
  expect(pending.find('10.0.0.7 443', 'a')).toBeUndefined();
});

test('joining with an aborted signal ends work that no one else waits for', async () => {
  const { probing, stopped, ended } = start();

  await expect(probing.join(AbortSignal.abort(new Error('enough')))).rejects.toThrow('enough');

  expect(stopped).toHaveLength(1);
  expect(ended()).toBe(1);
});

test('an error reaches everyone who joined', async () => {
  const { probing, reject, ended } = start();
  const { signal } = new AbortController();
  const joined = [probing.join(signal), probing.join(signal)];

  reject(new Error('ours'));

  for (const one of joined) await expect(one).rejects.toThrow('ours');
  expect(ended()).toBe(1);
});
