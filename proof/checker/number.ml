(* The numbers of the extracted functions. Trusted: that these functions of Zarith compute what Coq's
   functions of the same meaning do (theories/Extract.v pairs them). *)

(* A positive number in binary, its lowest bit outside: XH is 1, XO p is 2p, XI p is 2p + 1. *)
type positive = XI of positive | XO of positive | XH

let rec to_positive n =
  if n < 1 then invalid_arg "to_positive"
  else if n = 1 then XH
  else if n land 1 = 0 then XO (to_positive (n / 2))
  else XI (to_positive (n / 2))

(* A natural number: O is 0, S n is n + 1. *)
type nat = O | S of nat

let to_nat n =
  let rec count known n = if n = 0 then known else count (S known) (n - 1) in
  if n < 0 then invalid_arg "to_nat" else count O n

let int_of_nat n =
  let rec count known = function O -> known | S n -> count (known + 1) n in
  count 0 n

(* Integers: add, sub, mul, neg, abs, min, max, equal, leq, lt are Zarith's. *)
include Z

let rec of_positive = function
  | XH -> one
  | XO p -> shift_left (of_positive p) 1
  | XI p -> succ (shift_left (of_positive p) 1)

let of_negative p = neg (of_positive p)
let of_nat n = of_int (int_of_nat n)

(* Coq's division rounds down, and gives 0 where the divisor is 0. *)
let floor_div a b = if equal b zero then zero else fdiv a b
