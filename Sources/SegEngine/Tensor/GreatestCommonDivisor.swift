/// Computes the greatest common divisor of two numbers that are not negative; that of 0 and a number is the number.
package func greatestCommonDivisor(_ a: Int, _ b: Int) -> Int { b == 0 ? a : greatestCommonDivisor(b, a % b) }
