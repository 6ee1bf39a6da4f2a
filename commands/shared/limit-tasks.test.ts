import { expect, test } from 'vitest';
import { limitTasks } from './limit-tasks.ts';

test('starts at most so many tasks at once, and all of them, also after one fails', async () => {
  const limited = limitTasks(3);
  let running = 0;
  let peak = 0;
  const tasks = Array.from({ length: 50 }, (_, at) =>
    limited(async () => {
      running += 1;
      peak = Math.max(peak, running);
      await Promise.resolve();
      running -= 1;
      if (at % 5 === 0) throw new Error('failed');
      return at;
    }),
  );
  const results = await Promise.allSettled(tasks);
  expect(peak).toBe(3);
  expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(40);
});
