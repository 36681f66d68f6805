// The loops of bench/frames.cpp and bench/original_frames.cpp for bumpalo, with sizes that its compiler knows.
use bumpalo::Bump;
use std::cell::RefCell;
use std::hint::black_box;
use std::mem::MaybeUninit;

thread_local! {
    static ARENA: RefCell<Bump> = RefCell::new(Bump::with_capacity(32 << 20));
}

#[repr(align(8))]
struct Block<const N: usize>([u8; N]);

fn frames_of<const N: usize>(arena: &mut Bump, frames: usize, allocations: usize, touch: bool) {
    for _ in 0..frames {
        for i in 0..allocations {
            let p: &mut MaybeUninit<Block<N>> = arena.alloc_with(MaybeUninit::uninit);
            let p = black_box(p.as_mut_ptr());
            if touch {
                unsafe { p.cast::<u64>().write(i as u64) };
            }
        }
        arena.reset();
    }
}

fn fresh_of<const N: usize>(frames: usize, allocations: usize, fill: i32) {
    for _ in 0..frames {
        let arena = Bump::with_capacity(allocations * N + 4096);
        for i in 0..allocations {
            if fill < 0 {
                let p: &mut MaybeUninit<[u8; N]> = arena.alloc_with(MaybeUninit::uninit);
                black_box(p.as_mut_ptr());
            } else {
                let value = if fill == 256 { i as u8 } else { fill as u8 };
                let p = arena.alloc_with(|| [value; N]);
                black_box(p.as_mut_ptr());
            }
        }
    }
}

#[no_mangle]
pub extern "C" fn bumpalo_frames(frames: usize, allocations: usize, bytes: usize, touch: i32) -> u64 {
    ARENA.with(|arena| {
        let arena = &mut *arena.borrow_mut();
        match bytes {
            64 => frames_of::<64>(arena, frames, allocations, touch != 0),
            256 => frames_of::<256>(arena, frames, allocations, touch != 0),
            _ => panic!("no loop for this size"),
        }
    });
    (frames * allocations * bytes) as u64
}

fn fill_with<const N: usize>(arena: &Bump, allocations: usize) {
    for _ in 0..allocations {
        black_box(arena.alloc_with(|| [0u8; N]).as_mut_ptr());
    }
}

// which: physics, render, alignments. Returns the sum of bytes.
#[no_mangle]
pub extern "C" fn bumpalo_fresh_mixed(frames: usize, which: i32) -> u64 {
    let total = [86_400, 224_000, 90_000][which as usize];
    for _ in 0..frames {
        let arena = Bump::with_capacity(total + 4096);
        match which {
            0 => {
                fill_with::<96>(&arena, 500);
                fill_with::<256>(&arena, 100);
                fill_with::<64>(&arena, 200);
            }
            1 => {
                fill_with::<24>(&arena, 2000);
                fill_with::<32>(&arena, 5000);
                fill_with::<32>(&arena, 500);
            }
            _ => {
                for _ in 0..1000 {
                    fill_with::<7>(&arena, 1);
                    fill_with::<16>(&arena, 1);
                    fill_with::<3>(&arena, 1);
                    fill_with::<64>(&arena, 1);
                }
            }
        }
    }
    (frames * total) as u64
}

// fill: a byte, 256 for the number of the block, less than 0 for nothing.
#[no_mangle]
pub extern "C" fn bumpalo_fresh(frames: usize, allocations: usize, bytes: usize, fill: i32) -> u64 {
    match bytes {
        8 => fresh_of::<8>(frames, allocations, fill),
        16 => fresh_of::<16>(frames, allocations, fill),
        48 => fresh_of::<48>(frames, allocations, fill),
        64 => fresh_of::<64>(frames, allocations, fill),
        256 => fresh_of::<256>(frames, allocations, fill),
        1024 => fresh_of::<1024>(frames, allocations, fill),
        4096 => fresh_of::<4096>(frames, allocations, fill),
        65536 => fresh_of::<65536>(frames, allocations, fill),
        _ => panic!("no loop for this size"),
    }
    (frames * allocations * bytes) as u64
}
