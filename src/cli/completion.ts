import process from 'node:process'
import { Argument, Command } from 'commander'
import { kindWords } from './target.ts'

const shells = ['bash', 'zsh', 'fish'] as const
type Shell = (typeof shells)[number]

/** What completion offers of one command. */
interface Entry {
  readonly name: string
  readonly summary: string
  readonly flags: readonly {
    readonly long: string
    readonly description: string
    readonly choices: readonly string[]
    readonly takesValue: boolean
  }[]
  /** Words that its first argument may be, where there are only a few. */
  readonly words: readonly string[]
}

/** `mooring completion`: a script for a shell, made from the commands themselves. */
export function completionCommand(program: () => Command): Command {
  return new Command('completion')
    .description('Prints a script by which a shell completes commands, flags and their values.')
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
      const entries = program().commands.map(entryOf)
      process.stdout.write({ bash: forBash, zsh: forZsh, fish: forFish }[shell](entries))
    })
}

function entryOf(command: Command): Entry {
  const [first] = command.registeredArguments
  const { commands } = command
  return {
    name: command.name(),
    summary: command.summary(),
    flags: [command, ...commands]
      .flatMap(({ options }) => options)
      .flatMap(({ long, description, argChoices, required, optional }) =>
        long == null
          ? []
          : [{ long, description, choices: argChoices ?? [], takesValue: required || optional }],
      ),
    words:
      first?.name() === 'target' ? kindWords : (first?.argChoices ?? commands.map((each) => each.name())),
  }
}

function forBash(entries: readonly Entry[]): string {
  const cases = entries.map(({ name, flags, words }) => {
    const values = flags
      .filter(({ choices }) => choices.length > 0)
      .map(
        ({ long, choices }) =>
          `      ${long}) COMPREPLY=($(compgen -W '${choices.join(' ')}' -- "$word")); return;;`,
      )
    // Where a value has to stand, no flag is offered. Where nothing is offered, bash offers files.
    const others = flags.filter(({ choices, takesValue }) => takesValue && choices.length === 0)
    if (others.length > 0)
      values.push(`      ${others.map(({ long }) => long).join('|')}) COMPREPLY=(); return;;`)
    const offered = [...words, ...flags.map(({ long }) => long)].join(' ')
    return [
      `    ${name})`,
      ...(values.length === 0 ? [] : ['      case "$before" in', ...values, '      esac']),
      `      offered='${offered}';;`,
    ].join('\n')
  })
  return `_mooring() {
  local word="\${COMP_WORDS[COMP_CWORD]}" before="\${COMP_WORDS[COMP_CWORD-1]}" offered=''
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W '${entries.map(({ name }) => name).join(' ')}' -- "$word"))
    return
  fi
  case "\${COMP_WORDS[1]}" in
${cases.join('\n')}
  esac
  COMPREPLY=($(compgen -W "$offered" -- "$word"))
}
complete -o default -F _mooring mooring
`
}

function forZsh(entries: readonly Entry[]): string {
  const quote = (text: string) => text.replace(/'/g, "'\\''").replace(/([[\]:])/g, '\\$1')
  const cases = entries.map(({ name, flags, words }) => {
    const specs = flags.map(
      ({ long, description, choices, takesValue }) =>
        `      '${long}[${quote(description)}]${takesValue ? `:value:${choices.length === 0 ? '_files' : `(${choices.join(' ')})`}` : ''}'`,
    )
    const first = words.length === 0 ? "'*:file:_files'" : `'1:what:(${words.join(' ')})'`
    return [`    ${name}) _arguments \\`, ...specs.map((spec) => `${spec} \\`), `      ${first};;`].join('\n')
  })
  const commands = entries.map(({ name, summary }) => `    '${name}:${quote(summary)}'`)
  return `#compdef mooring
_mooring() {
  local -a commands=(
${commands.join('\n')}
  )
  if (( CURRENT == 2 )); then
    _describe command commands
    return
  fi
  local command=$words[2]
  shift words
  (( CURRENT-- ))
  case $command in
${cases.join('\n')}
  esac
}
if [ "$funcstack[1]" = _mooring ]; then _mooring "$@"; else compdef _mooring mooring; fi
`
}

function forFish(entries: readonly Entry[]): string {
  const quote = (text: string) => `'${text.replace(/\\/g, '\\\\').replace(/'/g, "\\'")}'`
  return `${entries
    .flatMap(({ name, summary, flags, words }) => [
      `complete -c mooring -n __fish_use_subcommand -f -a ${name} -d ${quote(summary)}`,
      ...(words.length === 0
        ? []
        : [`complete -c mooring -n '__fish_seen_subcommand_from ${name}' -f -a '${words.join(' ')}'`]),
      ...flags.map(
        ({ long, description, choices, takesValue }) =>
          `complete -c mooring -n '__fish_seen_subcommand_from ${name}' -l ${long.slice(2)} -d ${quote(description)}${choices.length > 0 ? ` -x -a '${choices.join(' ')}'` : takesValue ? ' -r -F' : ''}`,
      ),
    ])
    .join('\n')}\n`
}
