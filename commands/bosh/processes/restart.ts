import { defineRestart } from '../../shared/define-restart.ts';

export const restart = defineRestart({
  about: 'Restarts one instance, or one process of it where the source can do that',
  settlesWithinSeconds: 120,
});
