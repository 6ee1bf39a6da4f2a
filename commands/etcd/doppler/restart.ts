import { defineRestart } from '../../shared/define-restart.ts';
import { DEPENDENT, HEARTBEAT_SECONDS, PROCESS } from './doppler.ts';

export const restart = defineRestart({
  about: 'Restarts one doppler that is running but not registered, or is not running',
  process: PROCESS,
  afterwards: [
    `It should register within ${HEARTBEAT_SECONDS} s of starting.`,
    `A ${DEPENDENT} that stays unmonitored must be started separately.`,
  ],
  // monit, whose cycle is 10 s, watches the metron agents: they were back after 30 s in the outage of December 2016.
  settlesWithinSeconds: 90,
});
