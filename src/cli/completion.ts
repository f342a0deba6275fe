import process from 'node:process'
import { Argument, Command } from 'commander'
import { kindWords } from '../lib/declared-kinds.ts'
import { type CompletionEntry, forBash, forFish, forZsh } from './completion-scripts.ts'
import { kindWordOf, TargetArgument } from './target.ts'

const shells = ['bash', 'zsh', 'fish'] as const
type Shell = (typeof shells)[number]

/** `mooring completion`: a script for a shell, made from the commands themselves. */
export function completionCommand(program: () => Command): Command {
  return new Command('completion')
    .description(
      'Prints a script by which a shell completes commands, flags, their values, and names of declarations. The names ' +
        'come from the operator of --data-dir, as mooring get has them.',
    )
    .addArgument(new Argument('<shell>', 'the shell').choices([...shells]))
    .addHelpText(
      'after',
      `
Examples:
  source <(mooring completion bash)        in ~/.bashrc
  mooring completion zsh > "\${fpath[1]}/_mooring"
  mooring completion fish > ~/.config/fish/completions/mooring.fish`,
    )
    .action((shell: Shell) => {
      const entries = program().commands.flatMap((command) => entriesOf(command, []))
      process.stdout.write({ bash: forBash, zsh: forZsh, fish: forFish }[shell](entries))
    })
}

/** Of a command and of all beneath it. */
function entriesOf(command: Command, parents: readonly string[]): CompletionEntry[] {
  const path = [...parents, command.name()]
  const [first] = command.registeredArguments
  const { commands } = command
  const isTarget = first instanceof TargetArgument
  const entry: CompletionEntry = {
    path,
    summary: command.summary(),
    flags: command.options.flatMap(({ long, short, description, argChoices, required, optional }) =>
      long == null
        ? []
        : [
            {
              names: short == null ? [long] : [long, short],
              description,
              choices: argChoices ?? [],
              takesValue: required || optional,
            },
          ],
    ),
    words: isTarget ? kindWords : (first?.argChoices ?? commands.map((each) => each.name())),
    takesTarget: isTarget,
    ...(isTarget && first.kind !== undefined ? { targetKind: kindWordOf(first.kind) } : {}),
  }
  return [entry, ...commands.flatMap((each) => entriesOf(each, path))]
}
