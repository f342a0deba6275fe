import { Command } from 'commander'
import { type OrderVerb, orderCommand, orderVerbs, snapshotCommand } from './orders.ts'

/** The headings of the help, in its order. */
const groups = {
  run: 'Run Mooring:',
  look: 'Look:',
  act: 'Act:',
  more: 'More:',
} as const

/** One command: what the help says of it in a line, and how it is made. */
interface CommandEntry {
  readonly group: keyof typeof groups
  readonly summary: string
  /** Each takes a part of the program with it, and all of them take seconds. So only the one that is meant is made. */
  readonly load: (program: Command) => Command | Promise<Command>
}

function order(name: string, verb: OrderVerb): CommandEntry {
  return { group: 'act', summary: verb.summary, load: () => orderCommand(name, verb) }
}

/** Every command, in the order of the help. A new one is an entry here. */
export const commands: Readonly<Record<string, CommandEntry>> = {
  up: {
    group: 'run',
    summary: 'run all of Mooring on this machine: volumes are directories',
    load: async () => (await import('./up.ts')).upCommand(),
  },
  run: {
    group: 'run',
    summary: 'keep Nomad clusters as folders, Git and custom resources declare',
    load: async () => (await import('./run.ts')).runCommand(),
  },
  server: {
    group: 'run',
    summary: 'serve the Volumes HTTP API over CSI plugins',
    load: async () => (await import('./server.ts')).serverCommand(),
  },
  driver: {
    group: 'run',
    summary: 'serve a CSI plugin whose volumes are directories here',
    load: async () => (await import('./driver.ts')).driverCommand(),
  },
  validate: {
    group: 'look',
    summary: 'check declarations without Nomad',
    load: async () => (await import('./validate.ts')).validateCommand(),
  },
  plan: {
    group: 'look',
    summary: 'show what would be done, and do nothing (also: diff)',
    load: async () => (await import('./plan.ts')).planCommand(),
  },
  dashboard: {
    group: 'look',
    summary: 'print a link to the dashboard that may give orders',
    load: async () => (await import('./dashboard.ts')).dashboardCommand(),
  },
  status: {
    group: 'look',
    summary: 'show where every declaration stands',
    load: async () => (await import('./status.ts')).statusCommand(),
  },
  get: {
    group: 'look',
    summary: 'show the declarations of a kind, or one of them',
    load: async () => (await import('./get.ts')).getCommand(),
  },
  describe: {
    group: 'look',
    summary: 'tell all about one declaration, with its history',
    load: async () => (await import('./describe.ts')).describeCommand(),
  },
  explain: {
    group: 'look',
    summary: 'say what a state means and what to do about it',
    load: async () => (await import('./explain.ts')).explainCommand(),
  },
  orphans: {
    group: 'look',
    summary: 'list what nothing declares, in storage and in Nomad',
    load: async () => (await import('./orphans.ts')).orphansCommand(),
  },
  import: {
    group: 'act',
    summary: 'write declarations for volumes and snapshots that exist',
    load: async () => (await import('./import.ts')).importCommand(),
  },
  apply: {
    group: 'act',
    summary: 'do once what the operator does, and end',
    load: async () => (await import('./apply.ts')).applyCommand(),
  },
  restore: {
    group: 'act',
    summary: 'go back to a snapshot, under the same volume ID',
    load: async () => (await import('./restore.ts')).restoreCommand(),
  },
  snapshot: {
    group: 'act',
    summary: 'take snapshots now, keep some, confirm the date',
    load: snapshotCommand,
  },
  suspend: order('suspend', orderVerbs.suspend),
  resume: order('resume', orderVerbs.resume),
  'confirm-removal': order('confirm-removal', orderVerbs.confirmRemoval),
  'cancel-end': order('cancel-end', orderVerbs.cancelEnd),
  recreate: order('recreate', orderVerbs.recreate),
  detach: order('detach', orderVerbs.detach),
  mount: {
    group: 'act',
    summary: 'mount a volume on the machine of mooring server',
    load: async () => (await import('./mount.ts')).mountCommand(),
  },
  unmount: {
    group: 'act',
    summary: 'unmount a volume that mooring mount mounted',
    load: async () => (await import('./unmount.ts')).unmountCommand(),
  },
  completion: {
    group: 'more',
    summary: 'print a completion script for a shell',
    load: async (program) => (await import('./completion.ts')).completionCommand(() => program),
  },
  version: {
    group: 'more',
    summary: 'print the version, and that of Node',
    load: async () => (await import('./version.ts')).versionCommand(),
  },
}

/** Makes one command. @param name one of `commands` */
export async function loadCommand(name: string, program: Command): Promise<Command> {
  const entry = entryOf(name)
  const command = await entry.load(program)
  return command.summary(entry.summary).helpGroup(groups[entry.group])
}

/** Stands for a command where only its name and its line of the help are needed. */
export function stubCommand(name: string): Command {
  const { summary, group } = entryOf(name)
  return new Command(name).summary(summary).helpGroup(groups[group])
}

function entryOf(name: string): CommandEntry {
  const entry = commands[name]
  if (entry === undefined) throw new Error(`there is no command ${name}`)
  return entry
}
