import { defineCommand } from '../kit.ts';

export const command = defineCommand({ title: 'CI pipelines: containers that they leave behind' });
