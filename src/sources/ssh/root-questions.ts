/** The questions that can be asked as root, with `sudo -n`. All others are asked as the user of the connection. */
export const ROOT_QUESTIONS = [
  'certificates',
  'checksum-rules',
  'disk-errors',
  'file-sizes',
  'instance-disks',
  'kernel-log',
  'kubeadm',
  'neighbors',
  'network-settings',
  'nova-settings',
  'open-files',
] as const;

export type RootQuestion = (typeof ROOT_QUESTIONS)[number];
