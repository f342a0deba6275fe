const powers = ['', 'k', 'm', 'g', 't', 'p', 'e']
const largestBytes = 2n ** 63n - 1n

/**
 * Parses a size in Nomad's specification files: `10GiB` and `10Gi` in powers of 1024, `10GB` and `10G` in powers of 1000, a
 * bare number in bytes. It allows any case, decimals, commas between digits, and a space before the unit. A fraction of a
 * byte is cut off (Nomad: command/volume_register_csi.go, go-humanize).
 * @returns undefined where it is no such size, or larger than an int64
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
