import { defineCommand } from '../kit.ts';

export const command = defineCommand({ title: 'Pods: restart loops, evictions' });
