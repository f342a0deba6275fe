import type { Option } from 'commander'

/** Whether an option may stand in a config file. */
export function isSetting({ envVar, long }: Option): boolean {
  return envVar !== undefined && long !== '--config'
}
