import { defineCommand } from '../kit.ts';

export const command = defineCommand({ title: 'Builds: which replicas of a service run another build' });
