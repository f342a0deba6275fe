import { kindWords } from '../lib/declared-kinds.ts'

/** What completion offers of one command. */
export interface CompletionEntry {
  /** Such as `snapshot`, `keep`. */
  readonly path: readonly string[]
  readonly summary: string
  readonly flags: readonly CompletionFlag[]
  /** Words that its first argument may be, where there are only a few. */
  readonly words: readonly string[]
  /** Whether it takes the name of a declaration. */
  readonly takesTarget: boolean
  /** The kind of a name that is given without one. */
  readonly targetKind?: string
}

interface CompletionFlag {
  /** The long one first. */
  readonly names: readonly [string, ...string[]]
  readonly description: string
  readonly choices: readonly string[]
  readonly takesValue: boolean
}

/** The longest path first, so that `snapshot keep` is not taken for `snapshot`. */
const byDepth = (entries: readonly CompletionEntry[]) =>
  entries.toSorted((a, b) => b.path.length - a.path.length)

const commandsOf = (entries: readonly CompletionEntry[]) => entries.filter(({ path }) => path.length === 1)

const longOf = ({ names: [long] }: CompletionFlag) => long

/**
 * A script for bash. It reads the line itself: bash splits words at colons, and a name such as
 * `nightly:data:2026-11-29` has some.
 */
export function forBash(entries: readonly CompletionEntry[]): string {
  const cases = byDepth(entries).map(({ path, flags, words, takesTarget, targetKind }) => {
    const values = flags
      .filter(({ choices }) => choices.length > 0)
      .map(
        ({ names, choices }) => `      ${names.join('|')}) _mooring_offer '${choices.join(' ')}'; return;;`,
      )
    // Where a value has to stand, no flag is offered. Where nothing is offered, bash offers files.
    const others = flags.filter(({ choices, takesValue }) => takesValue && choices.length === 0)
    if (others.length > 0) values.push(`      ${others.flatMap(({ names }) => names).join('|')}) return;;`)
    if (takesTarget)
      values.push(`      ${kindWords.join('|')}) _mooring_offer "$(_mooring_names "$before")"; return;;`)
    const offered = [...words, ...flags.map(longOf)].join(' ')
    return [
      `    '${path.join(' ')} '*)`,
      ...(values.length === 0 ? [] : ['      case "$before" in', ...values, '      esac']),
      targetKind === undefined
        ? `      _mooring_offer '${offered}';;`
        : `      _mooring_offer "${offered}"$'\\n'"$(_mooring_names ${targetKind})";;`,
    ].join('\n')
  })
  const top = commandsOf(entries).map(({ path }) => path.join(' '))
  return `_mooring_names() {
  local directory=() at
  for ((at = 1; at < \${#words[@]} - 1; at++)); do
    [ "\${words[at]}" = --data-dir ] && directory=(--data-dir "\${words[at + 1]}")
  done
  mooring get "$1" --output name "\${directory[@]}" 2>/dev/null | sed "s,^\${NOMAD_NAMESPACE:-default}/,,"
}
_mooring_offer() {
  local prefix="\${word%"\${word##*:}"}" offer
  while IFS= read -r offer; do
    [[ $offer == "$word"* ]] && printf -v offer %q "$offer" && COMPREPLY+=("\${offer#"$prefix"}")
  done < <(tr ' ' '\\n' <<< "$1" | grep .)
}
_mooring() {
  local line="\${COMP_LINE:0:COMP_POINT}" words word before
  read -ra words <<< "$line"
  [[ $line == *' ' ]] && words+=('')
  word="\${words[-1]}" before="\${words[-2]}"
  COMPREPLY=()
  if [ "\${#words[@]}" -le 2 ]; then
    _mooring_offer '${top.join(' ')}'
    return
  fi
  case "\${words[*]:1:\${#words[@]}-2} " in
${cases.join('\n')}
  esac
}
complete -o default -F _mooring mooring
`
}

/** A script for zsh. */
export function forZsh(entries: readonly CompletionEntry[]): string {
  const quote = (text: string) => text.replace(/'/g, "'\\''").replace(/([[\]:])/g, '\\$1')
  const cases = entries.map(({ path, flags, words, takesTarget, targetKind }) => {
    const specs = flags.flatMap(({ names, description, choices, takesValue }) =>
      names.map(
        (name) =>
          `      '${name}[${quote(description)}]${takesValue ? `:value:${choices.length === 0 ? '_files' : `(${choices.join(' ')})`}` : ''}'`,
      ),
    )
    // With the blank, _arguments calls the function with no argument of its own before ours.
    const first = takesTarget
      ? `'*:what: _mooring_target ${targetKind ?? ''}'`
      : words.length === 0
        ? "'*:file:_files'"
        : `'1:what:(${words.join(' ')})'`
    return [
      `    '${path.join(' ')}') _arguments \\`,
      ...specs.map((spec) => `${spec} \\`),
      `      ${first};;`,
    ].join('\n')
  })
  const commands = commandsOf(entries).map(({ path, summary }) => `    '${path.join(' ')}:${quote(summary)}'`)
  const beneath = entries.filter(({ path }) => path.length > 1).map(({ path }) => `'${path.join(' ')}'`)
  return `#compdef mooring
_mooring_target() {
  local kind=$1 before=$words[CURRENT-1] at=$words[(I)--data-dir]
  local -a directory names kinds=(${kindWords.join(' ')})
  if (( $kinds[(Ie)$before] )); then kind=$before; else compadd -a kinds; fi
  [[ -z $kind ]] && return
  (( at )) && directory=(--data-dir $words[at+1])
  names=(\${(f)"$(mooring get $kind --output name $directory 2>/dev/null)"})
  names=(\${names#\${NOMAD_NAMESPACE:-default}/})
  compadd -a names
}
_mooring() {
  local -a commands=(
${commands.join('\n')}
  )
  local -a beneath=(${beneath.join(' ')})
  if (( CURRENT == 2 )); then
    _describe command commands
    return
  fi
  local command=$words[2]
  shift words
  (( CURRENT-- ))
  while (( CURRENT > 2 && $beneath[(Ie)$command $words[2]] )); do
    command="$command $words[2]"
    shift words
    (( CURRENT-- ))
  done
  case $command in
${cases.join('\n')}
  esac
}
if [ "$funcstack[1]" = _mooring ]; then _mooring "$@"; else compdef _mooring mooring; fi
`
}

/** A script for fish. */
export function forFish(entries: readonly CompletionEntry[]): string {
  const quote = (text: string) => `'${text.replace(/\\/g, '\\\\').replace(/'/g, "\\'")}'`
  const lines = entries.flatMap(({ path, summary, flags, words, takesTarget, targetKind }) => {
    const seen = path.map((word) => `__fish_seen_subcommand_from ${word}`).join('; and ')
    const beneath = entries.filter((each) => each.path.length > path.length && isBeneath(each.path, path))
    const isThis = [
      seen,
      ...beneath.map((each) => `not __fish_seen_subcommand_from ${each.path[path.length]}`),
    ]
    const complete = `complete -c mooring -n '${isThis.join('; and ')}'`
    return [
      ...(path.length > 1
        ? []
        : [`complete -c mooring -n __fish_use_subcommand -f -a ${path.join(' ')} -d ${quote(summary)}`]),
      ...(words.length === 0 || takesTarget ? [] : [`${complete} -f -a '${words.join(' ')}'`]),
      ...(takesTarget ? [`${complete} -f -a '(__mooring_target ${targetKind ?? ''})'`] : []),
      ...flags.map(({ names: [long, short], description, choices, takesValue }) => {
        const value = choices.length > 0 ? ` -x -a '${choices.join(' ')}'` : takesValue ? ' -r -F' : ''
        const shortName = short === undefined ? '' : ` -s ${short.slice(1)}`
        return `${complete} -l ${long.slice(2)}${shortName} -d ${quote(description)}${value}`
      }),
    ]
  })
  return `function __mooring_target
  set -l words (commandline -opc)
  set -l kinds ${kindWords.join(' ')}
  set -l kind $argv[1]
  if contains -- $words[-1] $kinds; and test (count $words) -gt 2
    set kind $words[-1]
  else
    printf '%s\\n' $kinds
  end
  test -n "$kind"; or return
  set -l directory
  if set -l at (contains -i -- --data-dir $words)
    set directory --data-dir $words[(math $at + 1)]
  end
  set -l namespace default
  set -q NOMAD_NAMESPACE; and set namespace $NOMAD_NAMESPACE
  mooring get $kind --output name $directory 2>/dev/null | string replace -r "^$namespace/" ''
end
${lines.join('\n')}
`
}

const isBeneath = (path: readonly string[], parent: readonly string[]) =>
  parent.every((word, at) => path[at] === word)
