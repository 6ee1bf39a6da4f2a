import { defineCommand } from '../kit.ts';

export const command = defineCommand({
  title: 'Certificates: expired, expiring, and one in detail',
});
