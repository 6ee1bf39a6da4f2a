import { defineCommand } from '../kit.ts';

export const command = defineCommand({
  title: 'Certificates: which have expired, which soon will, what one holds',
});
