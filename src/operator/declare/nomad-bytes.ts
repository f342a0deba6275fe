const powers = ['', 'k', 'm', 'g', 't', 'p', 'e']
const largestBytes = 2n ** 63n - 1n

/**
 * Bytes as Nomad's specification files spell them: `10GiB` and `10Gi` count by 1024, `10GB` and `10G` by
 * 1000, in any case, with decimals, commas between digits and a space before the unit; a bare number is
 * bytes. A fraction of a byte is cut off (Nomad: command/volume_register_csi.go, through go-humanize).
 * @returns undefined: not such a size, or more than an int64 holds
 */
export function parseNomadBytes(text: string): bigint | undefined {
  const match =
    /^(?<whole>[\d,]{1,40})(?:\.(?<fraction>\d{0,40}))?\s*(?<power>[kmgtpe]?)(?<binary>i?)b?$/i.exec(
      text.trim(),
    )
  const { whole = '', fraction = '', power = '', binary = '' } = match?.groups ?? {}
  const digits = whole.replaceAll(',', '')
  if (digits === '' || (power === '' && binary !== '')) return undefined
  const unit = (binary === '' ? 1000n : 1024n) ** BigInt(powers.indexOf(power.toLowerCase()))
  const bytes = (BigInt(digits + fraction) * unit) / 10n ** BigInt(fraction.length)
  return bytes <= largestBytes ? bytes : undefined
}
