import { defineRestart } from '../../shared/define-restart.ts';
import { DEPENDENT, HEARTBEAT_SECONDS, PROCESS } from './doppler.ts';

export const restart = defineRestart({
  about: 'Restarts one doppler that is running but not registered, or is not running',
  process: PROCESS,
  afterwards: [
    `It should register within ${HEARTBEAT_SECONDS} s of starting.`,
    `Start each ${DEPENDENT} that stays unmonitored separately.`,
  ],
  // monit restarts metron_agent in its 10-second cycle: in the outage of December 2016 it was back after 30 s.
  settlesWithinSeconds: 90,
});
