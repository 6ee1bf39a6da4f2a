import { defineCommand } from '../kit.ts';

export const command = defineCommand({
  title: 'OpenStack: base images, console logs, deleted records, services',
});
