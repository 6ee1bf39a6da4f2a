import { expect, test } from 'vitest';
import { makeFlights } from './flights.ts';

function start() {
  const flights = makeFlights<string>();
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const stopped: unknown[] = [];
  let ended = 0;
  const work = (signal: AbortSignal) => {
    signal.addEventListener('abort', () => stopped.push(signal.reason));
    return promise;
  };
  const flight = flights.start('10.0.0.7 443', 'a', work, () => (ended += 1));
  return { flights, flight, resolve, reject, stopped, ended: () => ended };
}

test('all who join are given one answer, which is not kept', async () => {
  const { flights, flight, resolve, ended } = start();
  const { signal } = new AbortController();
  const joined = [flight.join(signal), flights.find('10.0.0.7 443', 'a')?.join(signal)];
  expect([...flights.namesAt('10.0.0.7 443')]).toEqual(['a']);

  resolve('here');

  expect(await Promise.all(joined)).toEqual(['here', 'here']);
  expect(flights.find('10.0.0.7 443', 'a')).toBeUndefined();
  expect([...flights.namesAt('10.0.0.7 443')]).toEqual([]);
  expect(ended()).toBe(1);
});

test('whoever leaves does not end it for the others', async () => {
  const { flight, resolve, stopped } = start();
  const leaving = new AbortController();
  const left = flight.join(leaving.signal);
  const staying = flight.join(new AbortController().signal);

  leaving.abort(new Error('enough'));

  await expect(left).rejects.toThrow('enough');
  expect(stopped).toEqual([]);
  resolve('here');
  expect(await staying).toBe('here');
});

test('the last who leaves ends it, and nobody can join it then', async () => {
  const { flights, flight, stopped, ended } = start();
  const leaving = new AbortController();
  const left = flight.join(leaving.signal);

  leaving.abort(new Error('enough'));

  await expect(left).rejects.toThrow('enough');
  expect(stopped).toHaveLength(1);
  expect(ended()).toBe(1);
  expect(flights.find('10.0.0.7 443', 'a')).toBeUndefined();
});

test('an error is everybody’s', async () => {
  const { flight, reject, ended } = start();
  const { signal } = new AbortController();
  const joined = [flight.join(signal), flight.join(signal)];

  reject(new Error('ours'));

  for (const one of joined) await expect(one).rejects.toThrow('ours');
  expect(ended()).toBe(1);
});
