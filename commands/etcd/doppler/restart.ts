import { defineRestart } from '../../shared/define-restart.ts';
import { DOPPLER } from './services.ts';

export const restart = defineRestart({
  about: 'Restarts one doppler that is running but not registered, or is not running',
  process: DOPPLER.process,
  afterwards: [
    `It should register within ${DOPPLER.heartbeatSeconds} s of starting.`,
    'A metron_agent that stays unmonitored must be started separately.',
  ],
  // monit, whose cycle is 10 s, watches the metron agents: they were back after 30 s in the outage of December 2016.
  settlesWithinSeconds: 90,
});
